import {
  commands,
  type Disposable,
  MarkdownString,
  type QuickPickItem,
  QuickPickItemKind,
  type StatusBarItem,
  window,
  workspace,
} from 'vscode';
import { describeRemaining, describeRun, formatBytes } from '../shared/format.ts';
import { totalRemaining } from '../shared/jobs.ts';
import { modelTitle } from '../shared/modelTitle.ts';
import { coalesced } from './coalesced.ts';
import { COMMANDS, type CommandEntry, type CommandName } from './commands.ts';
import { statusItem } from './messages.ts';
import { registerCommands } from './registerCommands.ts';
import { openSettings } from './report.ts';
import type { Services } from './services.ts';

/** Milliseconds between checks of the engine's memory. */
const INTERVAL = 3000;
/** Milliseconds until a change of the queue is shown. */
const DELAY = 300;

/** Facts about the engine. */
export interface EngineFacts {
  /** Bytes of memory, if it runs and they are known. */
  memory(): Promise<number | undefined>;
  /** Where it computes, in words, if that is not the processor. */
  device(): string | undefined;
}

/** The status bar item of the engine: its model, device, memory and progress. */
export class StatusBar implements Disposable {
  readonly #item: StatusBarItem;
  readonly #services: Services;
  readonly #facts: EngineFacts;
  readonly #parts: Disposable[];
  #memory: number | undefined;

  constructor(services: Services, facts: EngineFacts) {
    this.#services = services;
    this.#facts = facts;
    this.#item = statusItem('patchwork.status', 'Patchwork', 'patchwork.showMenu');
    const timer = setInterval(() => void this.#look(), INTERVAL);
    const soon = coalesced(() => this.#show(), DELAY);
    this.#parts = [
      this.#item,
      ...registerCommands({ showMenu: () => this.#menu() }),
      { dispose: services.queue.onDidChange(soon) },
      { dispose: soon.cancel },
      workspace.onDidChangeConfiguration(() => this.#show()),
      { dispose: () => clearInterval(timer) },
    ];
    this.#show();
    this.#item.show();
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
  }

  async #look(): Promise<void> {
    const memory = await this.#facts.memory();
    if (memory === this.#memory) return;
    this.#memory = memory;
    this.#show();
  }

  #show(): void {
    const { jobs } = this.#services.queue;
    const [first] = jobs;
    const model = modelTitle(modelSetting());
    if (!first) this.#item.text = `$(sparkle) ${model}`;
    else {
      const { step, steps, stage, remaining } = first.run;
      const percent = stage === 'denoise' && steps > 0 ? ` ${Math.round((100 * step) / steps)} %` : '';
      const time = remaining === undefined ? '' : `, ${describeRemaining(remaining)}`;
      const more = jobs.length > 1 ? ` (+${jobs.length - 1})` : '';
      this.#item.text = `$(loading~spin) Patchwork${percent}${time}${more}`;
    }
    this.#item.accessibilityInformation = { label: this.#lines().join(', ') };
    this.#item.tooltip = new MarkdownString('**Patchwork**\n\n').appendText(this.#lines().join('\n'));
  }

  #lines(): string[] {
    const { jobs } = this.#services.queue;
    const [first] = jobs;
    const total = totalRemaining(jobs);
    return [
      ...this.#setUp(),
      first ? `Now: “${first.title}”, ${describeRun(first.run)}` : 'Idle',
      ...(jobs.length > 1 ? [`Waiting: ${jobs.length - 1}`] : []),
      ...(first && total ? [`Remaining: ${describeRemaining(total)}`] : []),
    ];
  }

  #setUp(): string[] {
    const threads = workspace.getConfiguration('patchwork').get<number>('threads') || undefined;
    return [
      `Model: ${modelTitle(modelSetting())}`,
      `Device: ${this.#device(threads)}`,
      this.#memory === undefined ? 'Memory: engine not started' : `Memory: ${formatBytes(this.#memory)}`,
    ];
  }

  #device(threads: number | undefined): string {
    const device = this.#facts.device();
    if (device) return device;
    return `processor${threads ? `, ${threads} threads` : ''}`;
  }

  async #menu(): Promise<void> {
    type Choice = QuickPickItem & { run?: () => unknown };
    const { queue, log } = this.#services;
    const choice = (name: CommandName, description?: string): Choice => ({
      label: labelOf(name),
      description,
      run: () => commands.executeCommand(`patchwork.${name}`),
    });
    const busy = queue.jobs.length > 0;
    const memory = this.#memory;
    const choices: Choice[] = [
      choice('generateImage'),
      choice('openView'),
      choice('openGallery'),
      choice('manageModels', `now: ${modelTitle(modelSetting())}`),
      choice('chooseDevice'),
      { label: '', kind: QuickPickItemKind.Separator },
      ...(busy ? [choice('queue.cancelAll', `${queue.jobs.length} running or waiting`)] : []),
      ...(memory !== undefined && !busy
        ? [
            choice(
              'freeMemory',
              `the engine takes ${formatBytes(memory)}; the next image loads the model again`,
            ),
          ]
        : []),
      { label: '$(gear) Settings', run: openSettings },
      { label: '$(output) Show Log', run: () => log.show() },
    ];
    const chosen = await window.showQuickPick(choices, {
      title: 'Patchwork',
      // A prompt would be too long for its one line.
      placeHolder: [...this.#setUp(), busy ? 'Busy' : 'Idle'].join(' · '),
    });
    await chosen?.run?.();
  }
}

function labelOf(name: CommandName): string {
  const { icon, title }: CommandEntry = COMMANDS[name];
  return icon ? `$(${icon}) ${title}` : title;
}

function modelSetting(): string {
  return workspace.getConfiguration('patchwork').get<string>('model')?.trim() ?? '';
}
