// NonMaxSuppression: what is selected depends on data, in number and order.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { model, node, tensor, value } from '../support/onnx_model.mjs';

const scalar = (type, number) => tensor(type, [1], [number]);

// All thresholds are inputs of the model; so one module serves every case.
function detector(centred, inputs = 5) {
  const names = ['boxes', 'scores', 'most', 'iou', 'score'].slice(0, inputs);
  const types = {
    boxes: value('float32', ['batch', 'n', 4]), scores: value('float32', ['batch', 'classes', 'n']), most: value('int64', [1]),
    iou: value('float32', [1]), score: value('float32', [1]),
  };
  return model({
    inputs: Object.fromEntries(names.map((name) => [name, types[name]])),
    outputs: { selected: value('int64', ['k', 3]) },
    nodes: [node('NonMaxSuppression', names, ['selected'], { center_point_box: centred })],
    opset: 11,
  });
}

function feeds(random, batch, classes, n, { most, iou, score, ties = false, corners = true }) {
  const boxes = [];
  for (let i = 0; i < batch * n; i++) {
    const numbers = [random() * 4, random() * 4, random() * 2, random() * 2];
    // Corners come in any order; some boxes are empty.
    if (corners) {
      numbers[2] = numbers[0] + (random() - 0.3) * 2;
      numbers[3] = random() < 0.05 ? numbers[1] : numbers[1] + (random() - 0.3) * 2;
    }
    boxes.push(...numbers);
  }
  const scores = Array.from({ length: batch * classes * n }, () => (ties ? Math.floor(random() * 4) / 4 : random()));
  return {
    boxes: tensor('float32', [batch, n, 4], boxes), scores: tensor('float32', [batch, classes, n], scores), most: scalar('int64', most),
    iou: scalar('float32', iou), score: scalar('float32', score),
  };
}

for (const centred of [0, 1]) {
  test(`sizes, thresholds and ties, center_point_box ${centred}`, () => {
    const random = generator(7 + centred);
    const corners = centred === 0;
    return agreesWithOnnxRuntime(detector(centred), [
      feeds(random, 1, 1, 50, { most: 10, iou: 0.5, score: 0.3, corners }),
      feeds(random, 2, 3, 200, { most: 1000, iou: 0.2, score: 0.1, corners }),
      feeds(random, 2, 3, 60, { most: 7, iou: 0.3, score: 0.2, ties: true, corners }),
      feeds(random, 1, 2, 40, { most: 0, iou: 0.5, score: 0, corners }),
      feeds(random, 1, 2, 40, { most: -3, iou: 0.5, score: 0, corners }),
      feeds(random, 1, 2, 40, { most: 2n ** 62n, iou: 0, score: 0.9, corners }),
      feeds(random, 1, 2, 40, { most: 5, iou: 1, score: 2, corners }),
      feeds(random, 3, 4, 1, { most: 5, iou: 0.5, score: 0.2, corners }),
    ]);
  });
}

test('inputs left out: no score threshold, and nothing at all without a maximum', async () => {
  const random = generator(11);
  const some = feeds(random, 1, 2, 30, { most: 20, iou: 0.4, score: 0, ties: true });
  const first = (count) => Object.fromEntries(Object.entries(some).slice(0, count));
  await agreesWithOnnxRuntime(detector(0, 4), [first(4)]);
  await agreesWithOnnxRuntime(detector(0, 3), [first(3)]);
  await agreesWithOnnxRuntime(detector(0, 2), [first(2)]);
});

test('what follows reads as many rows as were selected', () => {
  const random = generator(3);
  const bytes = model({
    inputs: { boxes: value('float32', [1, 'n', 4]), scores: value('float32', [1, 3, 'n']) },
    outputs: { kept: value('float32', ['k', 4]), number: value('int64', [1]) },
    initializers: {
      most: tensor('int64', [], [6]), iou: tensor('float32', [], [0.45]), score: tensor('float32', [], [0.4]),
      zero: tensor('int64', [1], [0]), one: tensor('int64', [1], [1]), two: tensor('int64', [1], [2]), three: tensor('int64', [1], [3]),
    },
    nodes: [
      node('NonMaxSuppression', ['boxes', 'scores', 'most', 'iou', 'score'], ['selected']),
      node('Slice', ['selected', 'two', 'three', 'one'], ['column']),
      node('Squeeze', ['column', 'one'], ['index']),
      node('Squeeze', ['boxes', 'zero'], ['flat']),
      node('Gather', ['flat', 'index'], ['kept'], { axis: 0 }),
      node('Shape', ['index'], ['number']),
    ],
    opset: 13,
  });
  return agreesWithOnnxRuntime(bytes, [20, 100, 5].map((n) => {
    const { boxes, scores } = feeds(random, 1, 3, n, { most: 0, iou: 0, score: 0 });
    return { boxes, scores };
  }));
});
