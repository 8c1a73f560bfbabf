/** SQLite's primary result codes: 8 read-only, 10 I/O error, 13 full, 14 cannot open. */
const ofDatabase: readonly number[] = [8, 10, 13, 14]
const ofFiles: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG']

/** The disk is full, or does not take writes: decisions may go on, the record has to wait. */
export function isDiskTrouble(error: unknown): boolean {
  const { errcode, code } = (error ?? {}) as { errcode?: number; code?: string }
  if (errcode !== undefined) return ofDatabase.includes(errcode & 0xff)
  return code !== undefined && ofFiles.includes(code)
}
