/** Configs of small networks. */

/** An AutoencoderTiny that shrinks a picture eight times. */
export const TINY_AUTOENCODER = {
  _class_name: 'AutoencoderTiny',
  encoder_block_out_channels: [8, 8, 8, 8],
  decoder_block_out_channels: [8, 8, 8, 8],
  num_encoder_blocks: [1, 1, 1, 1],
  num_decoder_blocks: [1, 1, 1, 1],
};
