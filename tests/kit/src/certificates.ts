import { generate } from 'selfsigned'

/** An authority that only the test knows, and what it signs, as PEM texts. */
export interface Authority {
  readonly certificate: string
  issue(hosts: readonly string[]): Promise<Certificate>
}

export interface Certificate {
  readonly certificate: string
  readonly key: string
}

const DNS_NAME = 2
const IP_ADDRESS = 7

export async function createAuthority(): Promise<Authority> {
  const authority = await generate([{ name: 'commonName', value: 'an authority' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true },
    ],
  })
  return {
    certificate: authority.cert,
    issue: async (hosts) => {
      const altNames = hosts.map(nameOf)
      const own = await generate([{ name: 'commonName', value: hosts[0] ?? '' }], {
        ca: { key: authority.private, cert: authority.cert },
        extensions: [{ name: 'subjectAltName', altNames }],
      })
      return { certificate: own.cert, key: own.private }
    },
  }
}

function nameOf(host: string) {
  return /^[\d.]+$/.test(host) ? ({ type: IP_ADDRESS, ip: host } as const) : ({ type: DNS_NAME, value: host } as const)
}
