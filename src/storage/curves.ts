/** What was seen of a release over time: one row each, written anew every few seconds while it goes on. */
import type { Database } from './database.ts'

export function curvesIn<Track>(database: Database) {
  const select = database.prepare('SELECT track FROM curves WHERE release = ?')
  const upsert = database.prepare(
    'INSERT INTO curves (release, track) VALUES (?, ?) ON CONFLICT DO UPDATE SET track = excluded.track',
  )
  return {
    of: (release: string): Track | null => {
      const row = select.get(release)
      return row === undefined ? null : (JSON.parse(String(row['track'])) as Track)
    },
    put: (release: string, track: Track): void => void upsert.run(release, JSON.stringify(track)),
  }
}
