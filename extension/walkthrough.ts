import { commands, type Memento } from 'vscode';

/** Milestones that complete the steps of the walkthrough *Get started with Patchwork*. */
const MILESTONES = ['generated', 'opened', 'painted', 'linked'] as const;
type Milestone = (typeof MILESTONES)[number];
/** Ids of the steps in package.json. */
const STEPS: Readonly<Record<Milestone, string>> = {
  generated: 'generate',
  opened: 'open',
  painted: 'paint',
  linked: 'use',
};

const KEY = 'patchwork.milestones';
let memory: Memento | undefined;

/** Completes steps of earlier sessions too. */
export function rememberMilestones(memento: Memento): void {
  memory = memento;
  for (const milestone of MILESTONES) if (done().includes(milestone)) tick(milestone);
}

/**
 * Completes reached steps again: VS Code ignores contexts that were set before the walkthrough was first opened.
 * @param walkthrough its whole name
 */
export async function tickAgain(walkthrough: string): Promise<void> {
  for (const milestone of MILESTONES)
    if (done().includes(milestone))
      await commands.executeCommand('welcome.markStepComplete', `${walkthrough}#${STEPS[milestone]}`);
}

/** Completes a step. */
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
