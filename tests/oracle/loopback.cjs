// Preloaded into the emulators: whatever they ask for, they listen on 127.0.0.1.
const net = require('node:net');

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (first, ...rest) {
  const host = '127.0.0.1';
  if (first !== null && typeof first === 'object' && 'port' in first) {
    return listen.call(this, { ...first, host }, ...rest);
  }
  if (typeof first === 'number' || /^\d+$/.test(first)) {
    const done = rest.filter((argument) => typeof argument === 'function');
    return listen.call(this, { port: Number(first), host }, ...done);
  }
  return listen.call(this, first, ...rest);
};
