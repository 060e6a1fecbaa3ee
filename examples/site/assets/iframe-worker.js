// Browsers allow no workers in pages opened from a disk. There, the search runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.frame = frame.contentWindow;
      window.addEventListener("message", (event) => {
        if (event.source !== this.frame) return;
        this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      const bridge = `
        postMessage = (data) => parent.postMessage(data, "*");
        importScripts = (...urls) => urls.reduce((before, url) => before.then(() =>
          new Promise((resolve, reject) => {
            const script = Object.assign(document.createElement("script"), { src: url });
            script.onload = resolve;
            script.onerror = reject;
            document.body.append(script);
          })), Promise.resolve());`;
      this.ready = new Promise((resolve) => (frame.onload = resolve));
      this.frame.document.write(
        `<body><script>${bridge}</script><script src="${url}"></script></body>`,
      );
      this.frame.document.close();
    }

    postMessage(data) {
      this.ready.then(() => this.frame.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
