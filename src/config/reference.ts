/**
 * What a version names that is no file of this machine. The same text must mean the same bytes for ever (rulings §13): only what is
 * pinned is taken. Pure.
 */
import { resolve } from 'node:path'

const schemed = /^[A-Za-z][A-Za-z0-9+.-]+:\/\S*$/
const image = /^\S+@sha256:[0-9a-f]{64}$/

const pins: readonly RegExp[] = [
  image,
  // A commit of Git, or of a hub that is made of it.
  /@[0-9a-f]{40}$/,
  /@[0-9a-f]{64}$/,
  /#sha256=[0-9a-f]{64}$/,
  // An object of S3 with its version; `null` is the name of an object that has none.
  /^s3:\/\/\S+[?&]versionId=(?!null$)[^&\s]+$/,
  // The same of Google Cloud Storage.
  /^gs:\/\/\S+#\d+$/,
  // MLflow never gives a version of a model other artifacts; an alias or a stage it does.
  /^models:\/[^/@\s]+\/[1-9]\d*$/,
  /^models:\/m-[0-9a-f]{32}$/,
]

/** Else it is a path. */
export function isReference(text: string): boolean {
  return (schemed.test(text) && !/^file:/i.test(text)) || image.test(text)
}

/** Why this reference cannot be taken; null: it can. */
export function unpinned(reference: string): string | null {
  if (pins.some((pin) => pin.test(reference))) return null
  return `expected a pinned reference, and ${reference} may mean something else tomorrow: end it with @COMMIT (40 hex digits), @sha256:DIGEST, #sha256=DIGEST or, for s3, ?versionId=ID, or give models:/NAME/NUMBER`
}

/** What is passed to the command for it: a file by its whole path, a reference as it stands. */
export function placeOf(directory: string, text: string): string {
  return isReference(text) ? text : resolve(directory, text)
}
