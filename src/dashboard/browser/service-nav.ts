/** The pages of one service. */
import { html } from './html.ts'
import { servicePath } from './route.ts'
import type { SubPage } from './route.ts'

const pages = [
  ['now', undefined],
  ['history', 'history'],
  ['versions', 'versions'],
  ['cost', 'cost'],
] as const

export function ServiceHead({ service, page }: { service: string; page?: SubPage }) {
  return html`<div class="head">
    <h1 tabindex="-1">${service}</h1>
    <nav aria-label="Pages of this service">
      <ul class="tabs">
        ${pages.map(
          ([name, of]) =>
            html`<li>
              <a href=${servicePath(service, of)} aria-current=${of === page ? 'page' : undefined}
                >${name}</a
              >
            </li>`,
        )}
      </ul>
    </nav>
  </div>`
}
