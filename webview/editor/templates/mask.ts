import { html, type TemplateResult } from 'lit';
import { LIMITS } from '../../../shared/limits.ts';
import { type EditorActions, type EditorPage, MASK_COLOURS, type MaskAction } from '../page.ts';
import { iconButton, slider } from './button.ts';

/** Actions on the whole mask. */
export function maskSection(page: EditorPage, actions: EditorActions): TemplateResult {
  const { masked, maskShown, coloured, opacity, state } = page;
  const button = (action: MaskAction, name: string, title: string) =>
    iconButton({
      icon: name,
      title,
      action,
      disabled: !masked && action !== 'invert',
      onClick: () => actions.mask(action),
    });
  return html`<section aria-labelledby="mask-title">
    <h2 id="mask-title">Mask</h2>
    <div class="row wrap">
      ${iconButton({
        icon: maskShown ? 'eye' : 'eye-closed',
        title: maskShown ? 'Show Only the Outline (M)' : 'Show Mask (M)',
        action: 'toggleMask',
        disabled: !masked && !coloured,
        onClick: actions.toggleMask,
      })}
      ${iconButton({
        icon: 'reply',
        title: 'Reselect: Bring Back the Last Mask and Colours (U)',
        action: 'reselect',
        disabled: !state?.canReselect,
        onClick: actions.reselect,
      })}
      ${button('invert', 'color-mode', 'Invert Mask (I)')}
      ${iconButton({
        icon: 'copy',
        title: 'Copy Selection (Ctrl+C)',
        action: 'copySelection',
        disabled: !masked,
        onClick: () => actions.copy('selection'),
      })}
      ${iconButton({
        icon: 'file-media',
        title: 'Cut Out: Save What Is Masked With a Transparent Background…',
        action: 'cutOut',
        disabled: !masked,
        onClick: actions.cutOut,
      })}
      ${iconButton({
        icon: 'folder-opened',
        title: 'Load Mask…',
        action: 'loadMask',
        onClick: actions.loadMask,
      })}
      ${iconButton({
        icon: 'export',
        title: 'Export Mask…',
        action: 'exportMask',
        disabled: !masked,
        onClick: actions.exportMask,
      })}
      ${button('clear', 'trash', 'Clear Mask (Delete)')}
    </div>
    <div class="row amounts">
      ${textButton('grow', 'Grow', 'Add this many pixels around the mask', page, actions)}
      ${textButton('shrink', 'Shrink', 'Take this many pixels off the mask’s edge', page, actions)}
      ${textButton('feather', 'Feather', 'Fade the mask’s edge over this many pixels', page, actions)}
      <label class="amount">
        <input
          type="number"
          min=${LIMITS.maskEdge.min}
          max=${LIMITS.maskEdge.max}
          .value=${String(page.amount)}
          aria-label="Pixels to grow, shrink or feather by"
          data-action="amount"
          @change=${(event: Event) => actions.setAmount(Number((event.target as HTMLInputElement).value))}
        />
        px
      </label>
    </div>
    <div class="row">
      ${slider({
        label: 'Opacity',
        text: `${Math.round(100 * opacity)} %`,
        min: 0.05,
        max: 1,
        step: 0.05,
        value: opacity,
        action: 'opacity',
        onInput: actions.setOpacity,
      })}
    </div>
    <div class="row colours" role="group" aria-label="Mask colour">
      <span>Colour</span>
      ${MASK_COLOURS.map(
        (colour) => html`<button
          type="button"
          class="swatch mask-colour ${colour}"
          title=${`Mask colour: ${colour}`}
          aria-label=${`Mask colour: ${colour}`}
          aria-pressed=${String(colour === page.colour)}
          data-action=${`colour-${colour}`}
          @click=${() => actions.setColour(colour)}
        ></button>`,
      )}
    </div>
  </section>`;
}

function textButton(
  action: MaskAction,
  text: string,
  title: string,
  { masked }: EditorPage,
  actions: EditorActions,
): TemplateResult {
  return html`<button
    type="button"
    class="text-button framed"
    title=${title}
    data-action=${action}
    ?disabled=${!masked}
    @click=${() => actions.mask(action)}
  >
    ${text}
  </button>`;
}
