import { render } from 'preact'
import { App } from './app.ts'
import { call } from './call.ts'
import { html } from './html.ts'
import { followServices } from './live.ts'
import { followAddress } from './route.ts'
import { session } from './session.ts'

followAddress()
followServices()
render(html`<${App} />`, document.body)
// Who is refused is asked for a token by `call`; who meets silence sees that it is not answered.
void call<{ actor: string }>('GET', '/session').then(
  ({ actor }) => (session.value = { state: 'in', actor }),
  () => {},
)
