import Glibc
import LineProtocol
import Testing

extension WholeClusters {
    /// A node whose log goes into a pipe that nobody reads.
    @Suite struct BlockedLogs {
        @Test func `a node serves on while its log is not read, and says later what is missing`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let node = try cluster.add("master")
            let path = node.home + "/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            // F_SETPIPE_SZ: one page.
            _ = fcntl(reader, 1031, 4096)
            node.output = path
            try node.launch()
            try node.waitUntilServing()
            let client = try node.connect()
            // A link of a version that is none leaves a line in the log.
            for round in 0..<6000 {
                let link = try node.connect(timeout: 10)
                try link.ask(".link 9")
                if round % 100 == 0 { #expect(try client.value("SELECT \(round)") == "\(round)") }
            }
            #expect(try client.value("SELECT 1") == "1")
            var log: [UInt8] = []
            try waitUntil("the log says what is missing") {
                var chunk = [UInt8](repeating: 0, count: 1 << 16)
                let count = read(reader, &chunk, chunk.count)
                if count > 0 { log += chunk[..<count] }
                return log.last == UInt8(ascii: "\n") && String(decoding: log, as: UTF8.self).contains("log lines were dropped")
            }
            let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
            #expect(lines.allSatisfy { $0.hasPrefix("time=") && $0.split(separator: "time=").count == 1 }, "lines are whole")
            let missing = try #require(lines.first { $0.contains("log lines were dropped") }?.split(separator: "count=").last.flatMap { Int($0) })
            let told = lines.count { $0.contains("asked for a link") }
            #expect(missing > 0 && missing + told <= 6000 + 20, "\(missing) missing, \(told) told")
            #expect(try client.value("SELECT 2") == "2")
        }

        @Test func `a node that fails at its start says why into a pipe, too, and ends though nobody reads`() throws {
            let cluster = try Cluster()
            defer { cluster.remove() }
            let node = try cluster.add("master")
            let path = node.home + "/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            _ = fcntl(reader, 1031, 4096)
            // The pipe is full but for the last page's rest.
            let filler = [UInt8](repeating: 0x2e, count: 4096)
            while write(reader, filler, filler.count) > 0 {}
            node.output = path
            let other = try Client.listener(port: node.port)
            defer { close(other) }
            try node.launch()
            #expect(try node.waitForEnd() == 1)
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while read(reader, &chunk, chunk.count) > 0 {}
            try node.launch()
            #expect(try node.waitForEnd() == 1)
            let count = read(reader, &chunk, chunk.count)
            #expect(String(decoding: chunk.prefix(max(0, count)), as: UTF8.self).contains("another program listens there"))
        }
    }
}
