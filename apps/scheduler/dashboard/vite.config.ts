import { defineConfig } from 'vite'

/** Built once, served by the scheduler from its own address: no request goes anywhere else. */
export default defineConfig({
  base: './',
  build: { outDir: '../dist/dashboard', emptyOutDir: true, target: 'es2023', sourcemap: false },
  server: { proxy: { '/api': process.env['FRESHET_SCHEDULER'] ?? 'http://127.0.0.1:8710' } },
})
