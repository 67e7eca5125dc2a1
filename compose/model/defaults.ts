/** What the specification says where a file says nothing. */
import { type Change, changes, isMap } from '#compose/model/tree.ts';

const deviceRequest: Change = (value) => {
  if (isMap(value) && value.count === undefined && value.device_ids === undefined) value.count = 'all';
  return value;
};

/** Fills in the defaults of long forms, in place. */
export const setDefaults = changes({
  'services.*.build': (value) => {
    if (isMap(value)) value.context ??= '.';
    return value;
  },
  'services.*.secrets.*': (value) => {
    if (isMap(value)) value.target ??= `/run/secrets/${value.source}`;
    return value;
  },
  'services.*.ports.*': (value) => {
    if (!isMap(value)) return value;
    value.protocol ??= 'tcp';
    value.mode ??= 'ingress';
    return value;
  },
  'services.*.deploy.resources.reservations.devices.*': deviceRequest,
  'services.*.gpus.*': deviceRequest,
});
