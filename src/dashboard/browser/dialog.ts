/** Asks once, says what will happen, and takes the reason that goes on record. */
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ReleaseView } from '../../api/shapes.ts'
import { Refused } from './call.ts'
import type { Consequence } from './consequences.ts'
import { html } from './html.ts'
import { notice } from './notice.ts'

export type Ask = Consequence & {
  /** Stands between what will happen and the buttons, e.g. a choice. */
  more?: () => ComponentChildren
  /** @throws Refused @returns what was done */
  run: (reason: string | null) => Promise<string>
}

/** A command that ends as a line of a release's record. */
export async function recorded(command: Promise<ReleaseView>): Promise<string> {
  const { id, version } = await command
  return `recorded for ${id} (${version})`
}

/** The one question that is open. */
export const asked = signal<Ask | null>(null)

export function Dialog({ ask }: { ask: Ask }) {
  const element = useRef<HTMLDialogElement>(null)
  const [reason, setReason] = useState('')
  const [refused, setRefused] = useState<Refused | null>(null)
  const [busy, setBusy] = useState(false)
  // At once: who types on after a key that opened it, types into it.
  useLayoutEffect(() => {
    setReason('')
    setRefused(null)
    if (element.current?.open === false) element.current.showModal()
  }, [ask])
  // Told a moment after it was closed: by then the next question may be open.
  const closed = () => {
    if (element.current?.open === false) asked.value = null
  }
  const close = () => element.current?.close()
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    setRefused(null)
    try {
      const text = await ask.run(reason.trim() || null)
      close()
      notice.value = { kind: 'done', text: `${ask.button}: ${text}.` }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setRefused(error)
    } finally {
      setBusy(false)
    }
  }
  return html`<dialog ref=${element} aria-labelledby="ask-title" onClose=${closed}>
    <form onSubmit=${submit}>
      <h2 id="ask-title">${ask.title}</h2>
      ${ask.says.map((line) => html`<p>${line}</p>`)}
      ${ask.reason !== 'none' && html`<${Reason} ask=${ask} reason=${reason} set=${setReason} />`}
      ${ask.more?.()}
      ${
        refused !== null &&
        html`<p class="refusal" role="alert">
          ${refused.problem.title}${refused.problem.hint !== undefined && html`<br /><small>${refused.problem.hint}</small>`}
        </p>`
      }
      <div class="buttons">
        <button type="submit" class=${ask.danger ? 'danger' : 'primary'} disabled=${busy}>
          ${ask.button}
        </button>
        <button type="button" onClick=${close}>Leave it</button>
      </div>
    </form>
  </dialog>`
}

function Reason({ ask, reason, set }: { ask: Ask; reason: string; set: (text: string) => void }) {
  return html`<label for="reason">Reason${ask.reason === 'needed' ? '' : ' (if you like)'}</label>
    <input
      id="reason"
      value=${reason}
      maxlength="1000"
      required=${ask.reason === 'needed'}
      autocomplete="off"
      onInput=${(event: InputEvent) => set((event.currentTarget as HTMLInputElement).value)}
    />
    <p class="hint">It goes on record with your name.</p>`
}
