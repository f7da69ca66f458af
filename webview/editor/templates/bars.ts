import { html, nothing, type TemplateResult } from 'lit';
import { BRUSH_SIZES, brushSize, type EditorActions, type EditorPage } from '../page.ts';
import { toolsFor } from '../tools/index.ts';
import { iconButton, slider } from './button.ts';

/** The tools, at the left. */
export function toolRail(page: EditorPage, actions: EditorActions): TemplateResult {
  return html`<div
    class="rail"
    role="toolbar"
    aria-label="Tools"
    aria-orientation="vertical"
    @keydown=${moveFocus}
  >
    ${toolsFor(page.state?.canSelect ?? false).map((tool) =>
      iconButton({
        icon: tool.icon,
        title: `${tool.title} (${tool.key})`,
        action: `tool-${tool.id}`,
        pressed: tool === page.tool,
        // One stop of the Tab key for all tools, as in VS Code's own bars.
        reachable: tool === page.tool,
        onClick: () => actions.choose(tool),
      }),
    )}
  </div>`;
}

/** Arrow keys go from tool to tool. */
function moveFocus(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const buttons = [...(event.currentTarget as Element).querySelectorAll('button')];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  buttons.at((at + by) % buttons.length)!.focus();
}

/** The tool's options and actions on the image, at the top. */
export function optionsBar(page: EditorPage, actions: EditorActions): TemplateResult {
  const { tool, state } = page;
  const compared = page.stage.compare !== undefined;
  return html`<div class="bar" role="toolbar" aria-label="Tool and image">
    <div class="group">
      ${iconButton({
        icon: 'discard',
        title: 'Undo (Ctrl+Z)',
        action: 'undo',
        disabled: !state?.canUndo,
        onClick: actions.undo,
      })}
      ${iconButton({
        icon: 'redo',
        title: 'Redo (Ctrl+Shift+Z)',
        action: 'redo',
        disabled: !state?.canRedo,
        onClick: actions.redo,
      })}
    </div>
    <div class="group options">
      ${tool.paints ? paintField(page, actions) : nothing}
      ${tool.usesBrush ? brushOptions(page, actions) : nothing}
      <span class="hint">${tool.hint}</span>
    </div>
    <div class="group">
      ${iconButton({
        icon: 'split-horizontal',
        title: 'Compare Before and After (C)',
        action: 'compare',
        pressed: compared,
        disabled: !state?.edited && !compared,
        onClick: actions.toggleCompare,
      })}
      ${iconButton({
        icon: 'copy',
        title: 'Copy Image',
        action: 'copy',
        onClick: () => actions.copy('picture'),
      })}
      <span
        class="icon-button"
        draggable="true"
        role="img"
        title="Drag the image from here to another place"
        aria-label="Drag the image from here to another place"
        data-action="drag"
        @dragstart=${actions.drag}
      >
        <span class="codicon codicon-gripper" aria-hidden="true"></span>
      </span>
      ${iconButton({
        icon: 'zoom-in',
        title: 'Upscale: Save a Larger Image Beside This One…',
        action: 'upscale',
        onClick: actions.upscale,
      })}
      ${iconButton({
        icon: 'markdown',
        title: 'Insert Markdown Link',
        action: 'insertLink',
        onClick: actions.insertLink,
      })}
    </div>
  </div>`;
}

/** The colour that is painted with. */
function paintField({ paint }: EditorPage, actions: EditorActions): TemplateResult {
  return html`<input
    type="color"
    class="paint"
    .value=${paint}
    title="The colour to paint with"
    aria-label="The colour to paint with"
    data-action="paint"
    @input=${(event: Event) => actions.setPaint((event.target as HTMLInputElement).value)}
  />`;
}

function brushOptions(page: EditorPage, actions: EditorActions): TemplateResult {
  const { softness, stage, tool } = page;
  const size = brushSize(page);
  const across = size / stage.view.scale;
  return html`${slider({
    label: 'Size',
    text: `${size} px`,
    title: `Pixels of the screen; ${across < 10 ? across.toFixed(1) : Math.round(across)} of the image at this zoom ([ and ])`,
    // Small sizes need finer steps than large ones.
    min: 0,
    max: 100,
    step: 1,
    value: Math.round((100 * Math.log(size)) / Math.log(BRUSH_SIZES.max)),
    action: 'size',
    onInput: (value) => actions.setBrush({ size: Math.round(BRUSH_SIZES.max ** (value / 100)) }),
  })}
  ${
    tool.draws
      ? nothing
      : slider({
          label: 'Softness',
          text: `${Math.round(100 * softness)} %`,
          min: 0,
          max: 1,
          step: 0.05,
          value: softness,
          action: 'softness',
          onInput: (softness) => actions.setBrush({ softness }),
        })
  }`;
}
