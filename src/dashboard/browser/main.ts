import { render } from 'preact'
import { App } from './app.ts'
import { call } from './call.ts'
import { html } from './html.ts'
import { connection, followServices } from './live.ts'
import { followAddress } from './route.ts'
import { session } from './session.ts'
import type { SignedIn } from './session.ts'

const againMs = 1000

followAddress()
followServices()
render(html`<${App} />`, document.body)
void begin()

/** Who is refused is asked for a token, by `call`; who meets silence sees so, and is let in when Beryl is back. */
async function begin(): Promise<void> {
  try {
    const { actor, role } = await call<SignedIn>('GET', '/session')
    session.value = { state: 'in', actor, role }
  } catch {
    if (session.value.state !== 'unknown') return
    connection.value = 'lost'
    setTimeout(() => void begin(), againMs)
  }
}
