import {
  commands,
  type Disposable,
  EventEmitter,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  window,
} from 'vscode';
import { describeJobTime, describeRemaining, describeRun } from '../../shared/format.ts';
import { type InterruptedRun, type Job, type JobKind, totalRemaining } from '../../shared/jobs.ts';
import { shorten } from '../../shared/names.ts';
import { coalesced } from '../coalesced.ts';
import { registerCommands } from '../registerCommands.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { startAgain } from '../view/generate.ts';
import { ImageView } from '../view/view.ts';

const QUEUE_VIEW = 'patchwork.queueView';

type Row = { job: Job } | { interrupted: InterruptedRun };

const KINDS: Record<JobKind, string> = {
  generate: 'Generate',
  edit: 'Edit',
  upscale: 'Upscale',
  benchmark: 'Benchmark',
};
const ICONS: Record<JobKind, string> = {
  generate: 'sparkle',
  edit: 'edit-sparkle',
  upscale: 'zoom-in',
  benchmark: 'graph',
};
/** Milliseconds until a change is shown. */
const DELAY = 300;

/** The queue in the side bar: what runs, what waits in which order, what was interrupted. */
export function registerQueueView(services: Services): Disposable[] {
  const { queue, runs } = services;
  const changed = new EventEmitter<void>();
  const provider: TreeDataProvider<Row> = {
    onDidChangeTreeData: changed.event,
    getChildren: (row) =>
      row
        ? []
        : [
            ...queue.jobs.map((job) => ({ job })),
            ...runs.interrupted.map(({ id, request }) => ({ interrupted: { id, prompt: request.prompt } })),
          ],
    getTreeItem: (row) => ('job' in row ? jobItem(row.job) : interruptedItem(row.interrupted)),
  };
  const view = window.createTreeView(QUEUE_VIEW, { treeDataProvider: provider });
  const show = coalesced(() => {
    const { jobs } = queue;
    void commands.executeCommand('setContext', 'patchwork.busy', jobs.length > 0);
    view.badge =
      jobs.length > 0 ? { value: jobs.length, tooltip: `${jobs.length} running or waiting` } : undefined;
    const total = totalRemaining(jobs);
    view.description = jobs.length > 0 && total ? describeRemaining(total) : undefined;
    changed.fire();
  }, DELAY);
  const cancel = (row?: Row) => row && 'job' in row && queue.cancel(row.job.id);
  const restart = async (row?: Row) => {
    if (!row || !('interrupted' in row)) return;
    await startAgain(services, row.interrupted.id).catch((error) => reportError(services.log, error));
  };
  const forget = async (row?: Row) => {
    if (row && 'interrupted' in row) await runs.take(row.interrupted.id);
  };
  return [
    view,
    changed,
    { dispose: queue.onDidChange(show) },
    { dispose: runs.onDidChange(show) },
    { dispose: show.cancel },
    ...registerCommands({
      'queue.cancel': cancel,
      'queue.cancelAll': () => queue.cancelAll(),
      'queue.restart': restart,
      'queue.forget': forget,
    }),
    commands.registerCommand('patchwork.queue.show', () => void ImageView.show(services)),
  ];
}

function jobItem(job: Job): TreeItem {
  const { id, kind, title, running, run } = job;
  const item = new TreeItem(shorten(title, 80));
  item.id = id;
  item.contextValue = 'job';
  item.iconPath = new ThemeIcon(running ? 'loading~spin' : ICONS[kind]);
  const what = running ? describeRun(run) : 'Waiting';
  const time = describeJobTime(job);
  // The side bar is narrow: the time comes first, and short.
  const short = time.replace('takes ', '').replace('about ', '≈ ');
  item.description = [short, what].filter(Boolean).join(' · ');
  item.tooltip = [`${KINDS[kind]}: ${title}`, what, time].filter(Boolean).join('\n');
  if (kind === 'generate') item.command = { command: 'patchwork.queue.show', title: 'Show' };
  return item;
}

function interruptedItem({ id, prompt }: InterruptedRun): TreeItem {
  const item = new TreeItem(shorten(prompt, 80));
  item.id = id;
  item.contextValue = 'interrupted';
  item.iconPath = new ThemeIcon('warning');
  item.description = 'Interrupted';
  item.tooltip = `“${prompt}” was cut off when the window closed.`;
  return item;
}
