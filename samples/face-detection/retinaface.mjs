// Pre- and post-processing of RetinaFace (Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild", CVPR 2020), the
// MobileNet-0.25 variant on 640 x 640 pixels: anchors of two sizes at strides 32, 16 and 8.

export const size = 640;

// RGBA pixels -> float32 [1, 3, 640, 640], RGB 0..255, scaled to fit into the top left corner by bilinear interpolation.
export function toInput({ width, height, data }) {
  const scale = Math.min(size / width, size / height);
  const input = new Float32Array(3 * size * size);
  const across = Math.round(width * scale), down = Math.round(height * scale);
  for (let y = 0; y < down; y++) {
    const sy = Math.min(Math.max((y + 0.5) / scale - 0.5, 0), height - 1);
    const y0 = Math.floor(sy), y1 = Math.min(y0 + 1, height - 1), fy = sy - y0;
    for (let x = 0; x < across; x++) {
      const sx = Math.min(Math.max((x + 0.5) / scale - 0.5, 0), width - 1);
      const x0 = Math.floor(sx), x1 = Math.min(x0 + 1, width - 1), fx = sx - x0;
      for (let c = 0; c < 3; c++) {
        const at = (row, column) => data[4 * (row * width + column) + c];
        const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx;
        const bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx;
        input[(c * size + y) * size + x] = top * (1 - fy) + bottom * fy;
      }
    }
  }
  return { input, scale };
}

const anchorSizes = { 32: [512, 256], 16: [128, 64], 8: [32, 16] };

// Outputs by name ({data}) -> faces [{x, y, width, height, score}] in the picture's pixels, best first.
export function toFaces(outputs, scale, threshold = 0.8) {
  const faces = [];
  for (const [strideText, sizes] of Object.entries(anchorSizes)) {
    const stride = Number(strideText), cells = size / stride, plane = cells * cells;
    const scores = outputs[`face_rpn_cls_prob_reshape_stride${stride}`].data;
    const boxes = outputs[`face_rpn_bbox_pred_stride${stride}`].data;
    sizes.forEach((anchor, a) => {
      for (let cell = 0; cell < plane; cell++) {
        const score = scores[(sizes.length + a) * plane + cell];
        if (score < threshold) continue;
        const delta = (k) => boxes[(4 * a + k) * plane + cell];
        const centre = (position) => position * stride + (16 - 1) / 2;  // anchors are laid around 16-pixel cells
        const width = anchor * Math.exp(delta(2)), height = anchor * Math.exp(delta(3));
        const x = centre(cell % cells) + delta(0) * anchor - width / 2;
        const y = centre(Math.floor(cell / cells)) + delta(1) * anchor - height / 2;
        faces.push({ x: x / scale, y: y / scale, width: width / scale, height: height / scale, score });
      }
    });
  }
  return suppress(faces.sort((p, q) => q.score - p.score));
}

// Greedy non-maximum suppression: drops a face that overlaps a better one by more than 40 % of their union.
function suppress(faces) {
  const kept = [];
  for (const face of faces) {
    const overlap = (other) => {
      const w = Math.min(face.x + face.width, other.x + other.width) - Math.max(face.x, other.x);
      const h = Math.min(face.y + face.height, other.y + other.height) - Math.max(face.y, other.y);
      const both = Math.max(w, 0) * Math.max(h, 0);
      return both / (face.width * face.height + other.width * other.height - both);
    };
    if (kept.every((other) => overlap(other) <= 0.4)) kept.push(face);
  }
  return kept;
}

// Draws a frame around each face into RGBA pixels.
export function drawFrames({ width, height, data }, faces) {
  const thickness = Math.max(2, Math.round(width / 300));
  for (const face of faces) {
    const left = Math.round(face.x), top = Math.round(face.y);
    const right = Math.round(face.x + face.width), bottom = Math.round(face.y + face.height);
    for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++) {
      for (let x = Math.max(left, 0); x < Math.min(right, width); x++) {
        const inside = x - left >= thickness && right - x > thickness && y - top >= thickness && bottom - y > thickness;
        if (!inside) data.set([255, 64, 0, 255], 4 * (y * width + x));
      }
    }
  }
}
