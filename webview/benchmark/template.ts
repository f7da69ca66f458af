import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { describeBenchmark } from '../../shared/benchmark/progress.ts';
import type { BenchmarkRun, RunSummary } from '../../shared/benchmark/protocol.ts';
import { subjectTitle } from '../../shared/benchmark/titles.ts';
import { describeRemaining } from '../../shared/format.ts';
import { failureTemplate } from '../failure.ts';
import { progressTemplate } from '../templates.ts';
import { countTemplate, curvesTemplate } from './curves.ts';
import { formTemplate, presetsTemplate } from './form.ts';
import type { Actions, Page } from './page.ts';
import { resultsTemplate } from './results.ts';

export function benchmarkTemplate(page: Page, actions: Actions): TemplateResult {
  const { state } = page;
  // Charts are drawn when their data has changed, not at every key press.
  const results = [...state.shown.map(({ id }) => id), page.split, page.picturesCome].join(' ');
  return html`<main class="layout" data-state=${state.run ? 'running' : 'idle'}>
    <aside class="side">
      ${presetsTemplate(state, actions)}
      ${state.busy ? html`<p class="hint" data-test="busy">${state.busy}</p>` : nothing}
      ${formTemplate(page, actions)} ${runsTemplate(page, actions)} ${countTemplate(actions)}
    </aside>
    <section class="stage" aria-label="Results">
      ${state.run ? html`<div class="now">${runTemplate(state.run, actions)}</div>` : nothing}
      ${state.failure ? failureTemplate(state.failure, actions) : nothing}
      ${state.notice ? html`<div class="notice" data-test="notice">${state.notice}</div>` : nothing}
      ${guard([state.curves?.length], () => curvesTemplate(state))}
      ${guard([results], () => resultsTemplate(page, actions))}
    </section>
  </main>`;
}

function runTemplate(run: BenchmarkRun, actions: Actions): TemplateResult {
  const { remaining = 0, cancelling } = run;
  const time = remaining >= 2 && !cancelling ? ` · ${describeRemaining(remaining)}` : '';
  const text = describeBenchmark(run) + time;
  return progressTemplate({ ...run, label: 'Running the benchmark', text }, actions);
}

/** Earlier runs: one shown at a press, several compared by their checkboxes. */
function runsTemplate({ state }: Page, actions: Actions): TemplateResult {
  const shown = state.shown.map(({ id }) => id);
  const line = (run: RunSummary) => {
    const title = subjectTitle(run);
    const when = new Date(run.date).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' });
    const toggle = (event: Event) => {
      const { checked } = event.target as HTMLElement & { checked: boolean };
      actions.show(checked ? [...shown, run.id] : shown.filter((id) => id !== run.id));
    };
    return html`<li>
      <vscode-checkbox
        aria-label=${`Compare ${title}, ${when}`}
        data-compare=${run.id}
        .checked=${shown.includes(run.id)}
        @change=${toggle}
      ></vscode-checkbox>
      <button type="button" class="link grow" data-run=${run.id} @click=${() => actions.show([run.id])}>
        ${title}<span class="hint">${when}</span>
      </button>
      <button
        type="button"
        class="icon"
        aria-label=${`Delete ${title}, ${when}`}
        title="Delete"
        @click=${() => actions.remove(run.id)}
      >
        <span class="codicon codicon-trash" aria-hidden="true"></span>
      </button>
    </li>`;
  };
  return html`<nav class="runs" aria-labelledby="runs">
    <h2 id="runs">Runs of this workspace</h2>
    <ul>
      ${repeat(state.runs, ({ id }) => id, line)}
    </ul>
    <vscode-button secondary icon="cloud-download" data-action="import" @click=${actions.import}>
      Import JSON…
    </vscode-button>
  </nav>`;
}
