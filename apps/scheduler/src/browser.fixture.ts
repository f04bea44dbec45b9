import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** A real browser, where there is one. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/opt/google/chrome/chrome']
const executablePath = process.env['FRESHET_CHROMIUM'] || PLACES.find((place) => existsSync(place))

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Says loudly what is not tested without. */
export function hasBrowser(what: string): boolean {
  if (executablePath !== undefined) return true
  process.stderr.write(
    `\n!!! SKIPPED: ${what} was not tested, because no Chromium was found.\n` +
      '!!! Install one (apt-get install chromium) or set FRESHET_CHROMIUM to its path.\n\n',
  )
  return false
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: FLAGS })
}
