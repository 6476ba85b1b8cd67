// Numbers as text, the same in the table and in RESULTS.md.
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3));
export const ms = (value) => (value === undefined ? '' : digits(value));
export const number = (value) => (value === undefined || !Number.isFinite(value) ? '' : digits(value));
export const ratio = (value) => (value === undefined || !Number.isFinite(value) ? '' : `${value.toFixed(2)}x`);
export const percent = (value) => (value === undefined || !Number.isFinite(value) ? '' : `${(100 * value).toFixed(0)} %`);
export const megabytes = (bytes) => (bytes === undefined ? '' : digits(bytes / 1e6));
export const kilobytes = (bytes) => (bytes === undefined ? '' : digits(bytes / 1e3));
