import Glibc

/// Where a program's data and logs are.
package struct WorkFolder {
    package let path: String
    package let isKept: Bool

    /// - Parameter wanted: a directory that must not exist or be empty, and stays; nil: one of its own in `$TMPDIR` or /tmp.
    package init(_ name: String, keep wanted: String?) throws(Failure) {
        if let wanted {
            guard mkdir(wanted, 0o700) == 0 || rmdir(wanted) == 0 && mkdir(wanted, 0o700) == 0 else { throw .ofCall("--keep: mkdir \(wanted)") }
            path = absolute(wanted)
        } else {
            let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            let made = "\(parent)/\(name).\(getpid())"
            guard mkdir(made, 0o700) == 0 else { throw .ofCall("mkdir \(made)") }
            path = absolute(made)
        }
        isKept = wanted != nil
    }

    /// - Parameter isWanted: it stays, also where it was not asked for.
    package func end(isWanted: Bool, _ words: String) {
        if isKept || isWanted { return say("\(words) \(path)") }
        _ = try? Processes.run(["rm", "-rf", path], log: "/dev/null", within: 60_000)
    }
}

package func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// A line on standard output, at once.
package func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// A line on standard error.
package func printError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Nobody is left to be told if this fails.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
