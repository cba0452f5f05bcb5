import EventLoop
import Glibc

/// What the journal's files are written with.
enum DiskFile {
    static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int, _ path: String) throws(JournalProblem) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path, SystemError("write"))
            }
            done += count
        }
    }

    /// Fewer bytes than `count` where the file ends.
    static func read(_ descriptor: Int32, _ path: String, from offset: Int, count: Int) throws(JournalProblem) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, done in
            while done < count {
                let got = pread(descriptor, bytes.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = SystemError("pread") }
                if got <= 0 { return }
                done += got
            }
        }
        if let failure { throw .system(path, failure) }
        return bytes
    }

    static func syncDirectory(_ directory: String) throws(JournalProblem) {
        let handle = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if handle >= 0 { close(handle) } }
        guard handle >= 0, fsync(handle) == 0 else { throw .system(directory, SystemError("fsync")) }
    }

    /// The names in a directory; those that begin with a dot left out.
    static func names(in directory: String) throws(JournalProblem) -> [String] {
        guard let handle = opendir(directory) else { throw .system(directory, SystemError("opendir")) }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
