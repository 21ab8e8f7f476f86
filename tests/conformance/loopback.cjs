// Loaded before the suite, which listens on every address of the machine and takes no option for it: keeps it on
// loopback. The hook is Node's own alias of what `listen` ends in. `listen` itself given a host answers later, and some
// of the suite's servers ask for their port at once.
"use strict";

const { Server } = require("node:net");

const listen = Server.prototype._listen2;

Server.prototype._listen2 = function (address, port, family, ...rest) {
  this.once("listening", () => {
    const at = this.address();
    if (typeof at === "object" && at.address !== "127.0.0.1") {
      throw new Error(`the suite listens on ${at.address}; mend loopback.cjs for this Node`);
    }
  });
  return address ? listen.call(this, address, port, family, ...rest) : listen.call(this, "127.0.0.1", port, 4, ...rest);
};
