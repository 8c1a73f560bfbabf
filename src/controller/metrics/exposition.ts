/**
 * Families of metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0 for whoever asks for that.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export type Labels = Record<string, string>
export type Sample = { suffix?: string; labels: Labels; value: number }
export type Family = {
  /** A counter's ends in `_total`. */
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  samples: readonly Sample[]
}
export type Format = 'text' | 'openmetrics'

export function family(
  name: string,
  type: Family['type'],
  help: string,
  samples: readonly Sample[],
): Family {
  return { name, type, help, samples }
}

export function exposition(families: readonly Family[], format: Format): string {
  const all = families.filter(({ samples }) => samples.length > 0)
  const text = all.map((one) => familyText(one, format)).join('')
  return format === 'openmetrics' ? `${text}# EOF\n` : text
}

function familyText({ name, type, help, samples }: Family, format: Format): string {
  // OpenMetrics names a family of counters without the suffix of its samples.
  const named = format === 'openmetrics' ? name.replace(/_total$/, '') : name
  const lines = samples.map(
    ({ suffix = '', labels, value }) => `${name}${suffix}${braces(labels)} ${value}\n`,
  )
  return `# HELP ${named} ${help}\n# TYPE ${named} ${type}\n${lines.join('')}`
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
