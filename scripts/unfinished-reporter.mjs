/**
 * A reporter of vitest that says, when the run is ended from outside (a limit of time, Ctrl-C), which files have begun and
 * not ended: a test whose process stands still is heard of in no other way.
 */
const SIGNALS = ['SIGTERM', 'SIGINT']

export default class UnfinishedReporter {
  #open = new Map()
  #tell = () => {
    for (const [file, since] of this.#open)
      console.error(`not ended: ${file}, after ${Math.round((performance.now() - since) / 1000)} s`)
  }

  onInit() {
    for (const signal of SIGNALS) process.prependListener(signal, this.#tell)
  }

  onTestModuleQueued({ relativeModuleId }) {
    this.#open.set(relativeModuleId, performance.now())
  }

  onTestModuleEnd({ relativeModuleId }) {
    this.#open.delete(relativeModuleId)
  }

  onTestRunEnd() {
    for (const signal of SIGNALS) process.off(signal, this.#tell)
  }
}
