/** Parts that several pages show. */
import { html, type TemplateResult } from 'lit';
import { describeRun } from './format.ts';
import type { RunState } from './protocol.ts';

export interface CommonActions {
  cancel(): void;
  showLog(): void;
  openSettings(): void;
}

/** How far a run is. @param label what goes on, for screen readers */
export function runTemplate(run: RunState, label: string, actions: CommonActions): TemplateResult {
  const counting = (run.stage === 'denoise' || run.stage === 'record') && run.steps > 0;
  return html`<div class="run">
    <vscode-progress-bar
      aria-label=${label}
      .max=${run.steps || 1}
      .value=${counting ? run.step : undefined}
      ?indeterminate=${!counting}
    ></vscode-progress-bar>
    <div class="row">
      <span class="grow" data-test="progress">${describeRun(run)}</span>
      <vscode-button secondary data-action="cancel" ?disabled=${run.cancelling} @click=${actions.cancel}>
        Cancel
      </vscode-button>
    </div>
  </div>`;
}

/** What stands in a field that has just been typed in. */
export function typedIn(event: Event): string {
  return (event.target as HTMLElement & { value: string }).value;
}
