/** The door: a token once, for a cookie that scripts cannot read. */
import { useState } from 'preact/hooks'
import { call, Refused } from './call.ts'
import { html } from './html.ts'
import { session } from './session.ts'
import type { SignedIn } from './session.ts'

export function SignIn() {
  const [refused, setRefused] = useState<Refused | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const token = (document.getElementById('token') as HTMLInputElement).value
    setBusy(true)
    try {
      const { actor, role } = await call<SignedIn>('POST', '/session', { token })
      session.value = { state: 'in', actor, role }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setRefused(error)
      setBusy(false)
      document.getElementById('token')?.focus()
    }
  }
  return html`<form class="card sign-in" onSubmit=${submit}>
    <h1 tabindex="-1">Sign in</h1>
    <p>
      Who may see this, and who may move live traffic, is said by a token. An admin makes one for
      you (<code>beryl token create</code>); the first lies where Beryl keeps its data:
    </p>
    <pre><code>cat .beryl/admin.token</code></pre>
    <input
      class="unseen"
      name="username"
      autocomplete="username"
      value="beryl"
      tabindex="-1"
      aria-hidden="true"
    />
    <label for="token">Token</label>
    <input
      id="token"
      name="token"
      type="password"
      autocomplete="current-password"
      required
      spellcheck=${false}
      autofocus
      aria-invalid=${refused !== null}
      aria-describedby=${refused === null ? undefined : 'refused'}
    />
    ${
      refused !== null &&
      html`<p id="refused" class="refusal" role="alert">
        ${refused.problem.title}<br /><small>${refused.problem.hint}</small>
      </p>`
    }
    <button type="submit" class="primary" disabled=${busy}>Sign in</button>
  </form>`
}
