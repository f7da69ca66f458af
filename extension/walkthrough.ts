import { commands, type Memento } from 'vscode';

/** What the steps of the walkthrough *Get started with Patchwork* wait for. */
const MILESTONES = ['generated', 'opened', 'painted', 'linked'] as const;
type Milestone = (typeof MILESTONES)[number];

const KEY = 'patchwork.milestones';
let memory: Memento | undefined;

/** Ticks off what was done in earlier sessions too. */
export function rememberMilestones(memento: Memento): void {
  memory = memento;
  for (const milestone of MILESTONES) if (done().includes(milestone)) tick(milestone);
}

/** VS Code takes note of changes only once the walkthrough was opened: ticks off what was done before. */
export async function tickAgain(): Promise<void> {
  for (const milestone of MILESTONES) {
    if (!done().includes(milestone)) continue;
    await commands.executeCommand('setContext', `patchwork.${milestone}`, false);
    tick(milestone);
  }
}

/** Ticks a step off. */
export function reached(milestone: Milestone): void {
  tick(milestone);
  if (memory && !done().includes(milestone)) void memory.update(KEY, [...done(), milestone]);
}

function done(): string[] {
  const stored = memory?.get<unknown>(KEY);
  return Array.isArray(stored) ? stored : [];
}

function tick(milestone: Milestone): void {
  void commands.executeCommand('setContext', `patchwork.${milestone}`, true);
}
