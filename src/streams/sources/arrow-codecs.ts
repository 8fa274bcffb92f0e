// Arrow files whose buffers are packed, as Feather files are by default: the reader asks a registry for what unpacks them.
import { CompressionType, compressionRegistry } from "apache-arrow";
import { decompress as unzstd } from "fzstd";
import { decompress as unlz4 } from "lz4js";

compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes: Uint8Array) => unzstd(bytes) });
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: (bytes: Uint8Array) => unlz4(bytes) });
