/** Text with places in braces, such as `{topic}`, each of which stands for what something has. */
const PLACE = /\{([^{}]*)\}/g

export function placesOf(template: string): readonly string[] {
  return [...template.matchAll(PLACE)].map(([, name = '']) => name)
}

export function filled(template: string, valueOf: (place: string) => string): string {
  return template.replaceAll(PLACE, (_whole, name: string) => valueOf(name))
}
