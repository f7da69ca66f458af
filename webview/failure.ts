import { html, nothing, type TemplateResult } from 'lit';
import type { Failure } from '../shared/viewProtocol.ts';

/** An error, with helpful actions below it. */
export function failureTemplate(
  { message, help, again }: Failure,
  actions: { openSettings(): void; showLog(): void; tryAgain?(): void; dismiss?(): void },
): TemplateResult {
  const [text, act] =
    help === 'settings'
      ? (['Open Settings', actions.openSettings] as const)
      : (['Show Log', actions.showLog] as const);
  // The button may wrap below the text, which needs the width.
  return html`<div class="failure row wrap" role="alert">
    <span class="codicon codicon-error" aria-hidden="true"></span>
    <div class="grow">
      <span data-test="failure">${message}</span>
      <div class="row wrap">
        ${
          again && actions.tryAgain
            ? html`<vscode-button data-action="tryAgain" @click=${actions.tryAgain}>Try Again</vscode-button>`
            : nothing
        }
        ${help ? html`<vscode-button secondary @click=${act}>${text}</vscode-button>` : nothing}
        ${
          actions.dismiss
            ? html`<vscode-button secondary @click=${actions.dismiss}>Dismiss</vscode-button>`
            : nothing
        }
      </div>
    </div>
  </div>`;
}
