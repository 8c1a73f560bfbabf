/** 12884901888 → `12 GiB`, for people. */
export function gibibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 ** 3) * 10) / 10} GiB`
}
