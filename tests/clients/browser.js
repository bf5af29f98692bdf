// Clients that run in a browser, for tests of pages of other origins; bundled by tests/page/test_other_origins.py.
import Uppy from "@uppy/core";
import UppyTus from "@uppy/tus";
import * as tus from "tus-js-client";

globalThis.clients = { Uppy, UppyTus, tus };
