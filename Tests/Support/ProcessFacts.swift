import Glibc

/// What the system says of this process.
package enum ProcessFacts {
    /// How many descriptors are open.
    package static var openDescriptors: Int {
        guard let folder = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Neither ".", "..", nor the descriptor of the look itself.
        return count - 3
    }

    /// Time of the processors that this process took so far.
    package static var processorMs: Int { Int(clock()) * 1000 / Int(CLOCKS_PER_SEC) }

    /// Resident memory, in bytes.
    package static var residentBytes: Int {
        var text = [UInt8](repeating: 0, count: 128)
        let descriptor = open("/proc/self/statm", O_RDONLY)
        defer { close(descriptor) }
        let count = read(descriptor, &text, text.count)
        let fields = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Runs a command of the shell; its output (both kinds) and exit code.
    package static func shell(_ command: String) -> (output: String, code: Int32) {
        guard let pipe = popen("exec 2>&1; " + command, "r") else { return ("", -1) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { bytes += chunk[..<count] }
        return (String(decoding: bytes, as: UTF8.self), pclose(pipe))
    }
}
