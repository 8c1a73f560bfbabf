/** What the manifest and its gates both write: paths, names of files, variables, waits. */
import { z } from 'zod'
import { duration } from './units.ts'

/** What is sent as it is: no spaces, no fragment. */
export const path = z
  .string()
  .regex(/^\/[^\s#]*$/, 'expected a path that begins with /, without spaces and #')

export const env = z.record(
  z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      'expected a name of letters, digits and underscores, no digit first',
    ),
  z.string(),
)

/** A file, a directory or a program: an empty name is none. */
export const named = z.string().min(1, 'expected a name, it is empty')

/** A wait of zero would be none; deadlines are kept to a quarter or half of a second. */
export const wait = duration.refine((seconds) => seconds >= 0.1, 'expected at least 100ms')

/** Where a route, or what holds for a part of it, begins: matched by whole segments. */
export const prefix = z
  .string()
  .regex(
    /^\/(?!\/)(?!\.beryl(\/|$))(?!(.*\/)?\.{1,2}(\/|$))[^\s?#]*$/,
    'expected a path such as /v1: no spaces, ?, # or .., and not /.beryl',
  )

export const url = z
  .string()
  .regex(
    /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/,
    'expected http://… or https://…, without user and password (use headers)',
  )
