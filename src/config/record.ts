/** How far back the record goes. A part of the manifest's schema. */
import { z } from 'zod'
import { size, years } from './units.ts'

/** Less would not hold a day of a busy Beryl. */
const leastBytes = 16 * 1024 ** 2

export const record = z
  .strictObject({
    /** Releases that ended longer ago are forgotten, with all that belongs to them. */
    keep: years.default(400 * 86_400),
    /** Of the database; beyond it the oldest goes first. */
    atMost: size
      .refine((value) => value >= leastBytes, 'expected at least 16MiB')
      .default(1024 ** 3),
  })
  .prefault({})
