/** What of requests and answers is to be taken out, as the examiner has it. */
import type { ServiceManifest } from '../../config/manifest.ts'
import type { RedactRules } from '../../verification/capture/redact.ts'

export function redactOf({ capture }: Pick<ServiceManifest, 'capture'>): RedactRules {
  const rules = capture?.redact ?? []
  return {
    paths: rules.filter((rule) => typeof rule === 'string'),
    headers: rules.flatMap((rule) =>
      typeof rule === 'object' && 'header' in rule ? [rule.header] : [],
    ),
    patterns: rules.flatMap((rule) =>
      typeof rule === 'object' && 'matches' in rule ? [rule.matches] : [],
    ),
    ...(capture?.binary === true ? { binary: true } : {}),
  }
}
