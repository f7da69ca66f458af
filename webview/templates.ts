/** Parts that several pages show. */
import { html, type TemplateResult } from 'lit';
import { describeRemaining, describeRun } from '../shared/format.ts';
import { isCounting, type RunState } from '../shared/jobs.ts';

export interface CommonActions {
  cancel(): void;
  showLog(): void;
  openSettings(): void;
}

/** How far a run is. @param label what is happening, for screen readers */
export function runTemplate(run: RunState, label: string, actions: CommonActions): TemplateResult {
  const { step: done, cancelling, remaining } = run;
  const total = isCounting(run) ? run.steps : 0;
  // Short runs need no remaining time.
  const time = remaining && remaining >= 2 && !cancelling ? ` · ${describeRemaining(remaining)}` : '';
  return progressTemplate({ label, done, total, text: describeRun(run) + time, cancelling }, actions);
}

/** A progress bar with a phrase and a way to cancel; `total` 0 if it is unknown. */
export function progressTemplate(
  progress: { label: string; done: number; total: number; text: string; cancelling: boolean },
  actions: Pick<CommonActions, 'cancel'>,
): TemplateResult {
  const { label, done, total, text, cancelling } = progress;
  return html`<div class="run">
    <vscode-progress-bar
      aria-label=${label}
      .max=${total || 1}
      .value=${total > 0 ? done : undefined}
      ?indeterminate=${total === 0}
    ></vscode-progress-bar>
    <div class="row">
      <span class="grow" data-test="progress">${text}</span>
      <vscode-button secondary data-action="cancel" ?disabled=${cancelling} @click=${actions.cancel}>
        Cancel
      </vscode-button>
    </div>
  </div>`;
}
