import type { Tool } from './tools/tool.ts';

/** Keyboard shortcuts, active everywhere in the page except in text fields. */
export interface Shortcuts {
  /** The tools that can be chosen. */
  tools(): readonly Tool[];
  choose(tool: Tool): void;
  /** Times the size of the brush. */
  resize(factor: number): void;
  zoomBy(factor: number): void;
  zoomTo(scale: number): void;
  fit(): void;
  invert(): void;
  clear(): void;
  toggleMask(): void;
  toggleControl(): void;
  /** Masks again what the last edit was painted with. */
  reselect(): void;
  /** Masks the next object of the picture, or the one before. */
  selectNext(step: 1 | -1): void;
  compare(): void;
  /** Cancels the gesture, or moves the focus back to the image. */
  escape(): void;
  /** Space went down or up. */
  pan(held: boolean): void;
  /** Arrow keys on the stage: pixels of the picture. */
  nudge(dx: number, dy: number): void;
  /** Enter on the stage. */
  press(modifiers: { alt: boolean; shift: boolean }): void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Listens for shortcuts. @param stage the element that arrow keys, Enter and Space belong to */
export function listenForKeys(stage: HTMLElement, shortcuts: Shortcuts): void {
  window.addEventListener('keydown', (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey) return;
    const onStage = document.activeElement === stage || document.activeElement === document.body;
    if (onStage ? onStageKey(event, shortcuts) || onKey(event, shortcuts) : onKey(event, shortcuts))
      event.preventDefault();
  });
  window.addEventListener('keyup', ({ key }) => {
    if (key === ' ') shortcuts.pan(false);
  });
  window.addEventListener('blur', () => shortcuts.pan(false));
}

/** @returns whether the key meant something */
function onStageKey(event: KeyboardEvent, shortcuts: Shortcuts): boolean {
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = event.shiftKey ? 1 : 10;
    shortcuts.nudge(arrow[0] * step, arrow[1] * step);
    return true;
  }
  if (event.key === 'Enter') {
    shortcuts.press({ alt: event.altKey, shift: event.shiftKey });
    return true;
  }
  if (event.key === ' ') {
    if (!event.repeat) shortcuts.pan(true);
    return true;
  }
  return false;
}

function onKey({ key, altKey }: KeyboardEvent, shortcuts: Shortcuts): boolean {
  if (altKey) return false;
  const tool = shortcuts.tools().find((each) => each.key === key.toUpperCase());
  const run: Readonly<Record<string, () => void>> = {
    '[': () => shortcuts.resize(1 / 1.2),
    ']': () => shortcuts.resize(1.2),
    '+': () => shortcuts.zoomBy(1.25),
    '=': () => shortcuts.zoomBy(1.25),
    '-': () => shortcuts.zoomBy(1 / 1.25),
    '0': shortcuts.fit,
    '1': () => shortcuts.zoomTo(1),
    i: shortcuts.invert,
    c: shortcuts.compare,
    m: shortcuts.toggleMask,
    k: shortcuts.toggleControl,
    u: shortcuts.reselect,
    n: () => shortcuts.selectNext(1),
    N: () => shortcuts.selectNext(-1),
    Delete: shortcuts.clear,
    Backspace: shortcuts.clear,
    Escape: shortcuts.escape,
  };
  const action = tool ? () => shortcuts.choose(tool) : run[key];
  action?.();
  return action !== undefined;
}

/** The focus is in a field, also in one inside a component. */
function isTyping(event: KeyboardEvent): boolean {
  return event
    .composedPath()
    .some(
      (target) =>
        target instanceof HTMLTextAreaElement ||
        (target instanceof HTMLInputElement && target.type !== 'range' && target.type !== 'color') ||
        (target instanceof HTMLElement && target.localName === 'vscode-single-select'),
    );
}
