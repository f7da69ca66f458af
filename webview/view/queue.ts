import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { describeJobTime, describeRemaining, describeRun } from '../../shared/format.ts';
import { type InterruptedRun, isCounting, type Job, totalRemaining } from '../../shared/jobs.ts';

/** Running and waiting jobs, in order, each with a button to cancel it. */
export function queueTemplate(
  jobs: readonly Job[],
  actions: { cancel(job: string): void; cancelAll(): void },
): TemplateResult | typeof nothing {
  if (jobs.length === 0) return nothing;
  const total = totalRemaining(jobs);
  const heading =
    jobs.length > 1
      ? html`<div class="row">
          <h2 class="grow">Queue: ${jobs.length}${total ? html` · ${describeRemaining(total)}` : nothing}</h2>
          <button type="button" class="link" data-action="cancelAll" @click=${actions.cancelAll}>Cancel All</button>
        </div>`
      : nothing;
  return html`<section class="queue" aria-label="Queue">
    ${heading}
    <ol>
      ${repeat(
        jobs,
        ({ id }) => id,
        (job) => row(job, jobs.length > 1, actions),
      )}
    </ol>
  </section>`;
}

function row(job: Job, several: boolean, actions: { cancel(job: string): void }): TemplateResult {
  const { id, kind, title, running, run } = job;
  const counting = isCounting(run);
  const time = describeJobTime(job);
  const named = kind === 'edit' ? `Edit: ${title}` : title;
  return html`<li>
    ${
      running
        ? html`<vscode-progress-bar
            aria-label=${named}
            .max=${counting ? run.steps : 1}
            .value=${counting ? run.step : undefined}
            ?indeterminate=${!counting}
          ></vscode-progress-bar>`
        : nothing
    }
    <div class="row">
      <span class="grow job">
        ${several || kind !== 'generate' ? html`<span class="title" title=${title}>${named}</span>` : nothing}
        <span class="hint">
          <span data-test=${running ? 'progress' : 'waiting'}>${running ? describeRun(run) : 'Waiting'}</span>
          ${time ? html`<span data-test="remaining">· ${time}</span>` : nothing}
        </span>
      </span>
      <vscode-button secondary data-action="cancel" ?disabled=${run.cancelling} @click=${() => actions.cancel(id)}>
        Cancel
      </vscode-button>
    </div>
  </li>`;
}

/** Runs that a reload or a crash has cut off. */
export function interruptedTemplate(
  runs: readonly InterruptedRun[],
  actions: { restart(run: string): void; forget(run: string): void },
): TemplateResult[] {
  return runs.map(
    ({ id, prompt }) => html`<div class="unknown" role="status" data-test="interrupted">
      <span class="codicon codicon-warning" aria-hidden="true"></span>
      <span class="grow">Generating “<span class="clamp">${prompt}</span>” was interrupted when the window closed.</span>
      <span class="row">
        <vscode-button data-action="restart" @click=${() => actions.restart(id)}>Start Again</vscode-button>
        <vscode-button secondary data-action="forget" @click=${() => actions.forget(id)}>Dismiss</vscode-button>
      </span>
    </div>`,
  );
}
