import { commands } from 'vscode';

/** What the steps of the walkthrough *Get started with Patchwork* wait for. */
type Milestone = 'generated' | 'opened' | 'painted' | 'linked';

/** Ticks a step off. */
export function reached(milestone: Milestone): void {
  void commands.executeCommand('setContext', `patchwork.${milestone}`, true);
}
