import { html, nothing, type TemplateResult } from 'lit';
import type { Notice } from '../shared/imageActions.ts';

/** A success notice. The announcer speaks it, so it is no live region itself. */
export function noticeTemplate(
  notice: Notice | undefined,
  actions: { noticeAction(): void },
): TemplateResult | typeof nothing {
  if (!notice) return nothing;
  return html`<div class="notice">
    <span data-test="notice">${notice.text}</span>
    ${
      notice.action
        ? html`<button type="button" class="link" data-action="notice" @click=${actions.noticeAction}>
            ${notice.action}
          </button>`
        : nothing
    }
  </div>`;
}
