import { html, type TemplateResult } from 'lit';
import type { Failure } from '../shared/viewProtocol.ts';

/** What went wrong, with what may help. */
export function failureTemplate(
  { message, settings }: Failure,
  actions: { openSettings(): void; showLog(): void },
): TemplateResult {
  const button = settings
    ? html`<vscode-button secondary @click=${actions.openSettings}>Open Settings</vscode-button>`
    : html`<vscode-button secondary @click=${actions.showLog}>Show Log</vscode-button>`;
  // The button may stand below the text, which needs the width where there is little.
  return html`<div class="failure row wrap" role="alert">
    <span class="codicon codicon-error" aria-hidden="true"></span>
    <span class="grow" data-test="failure">${message}</span>
    ${button}
  </div>`;
}
