import Glibc

@testable import Console

/// Runs `write` with an output that goes to a temporary file, and gives what was written.
func captured(_ write: (Output) -> Void) -> String {
    let descriptor = temporaryFile()
    defer { close(descriptor) }
    let output = Output(descriptor)
    write(output)
    output.flush()
    return contents(of: descriptor)
}

func contents(of descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    lseek(descriptor, 0, SEEK_SET)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}

/// A file without a name, gone when it is closed.
func temporaryFile() -> Int32 {
    var path = Array("/tmp/ddbnode-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    unlink(path)
    return descriptor
}
