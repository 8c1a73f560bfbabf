/** What a page asks the API for once: on its way, here, or refused. */
import { useEffect, useState } from 'preact/hooks'
import { call } from './call.ts'
import type { Refused } from './call.ts'
import { html } from './html.ts'
import { Missing } from './missing.ts'

/** Null: on its way. @param again whenever it changes it is asked anew; what is shown stays until the new one is there */
export function useAnswer<Answer>(path: string, again: unknown = null): Answer | Refused | null {
  const [answer, setAnswer] = useState<Answer | Refused | null>(null)
  useEffect(() => {
    let isOver = false
    call<Answer>('GET', path).then(
      (came) => !isOver && setAnswer(came),
      (refused: Refused) => !isOver && setAnswer((old) => old ?? refused),
    )
    return () => void (isOver = true)
  }, [path, again])
  return answer
}

export function Waiting({ answer, what }: { answer: Refused | null; what: string }) {
  return answer === null
    ? html`<p class="message" role="status">Reading ${what} …</p>`
    : html`<${Missing} refused=${answer} />`
}
