export async function demo(_options: { keep: boolean }): Promise<number> {
  return 1
}
