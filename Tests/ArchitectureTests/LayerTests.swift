import Foundation
import Testing

/// Which module may import which: the compiler does not police what comes in through others.
private let allowed: [String: Set<String>] = [
    // Pure: the standard library only.
    "ClusterModel": [],
    "LineProtocol": ["ClusterModel"],
    "StatementGate": ["ClusterModel"],
    "BinlogFormat": ["ClusterModel"],
    "MySQLProtocol": ["ClusterModel"],
    "Replication": ["ClusterModel", "BinlogFormat"],
    "Failover": ["ClusterModel"],
    "Verification": ["ClusterModel"],
    // Edge: each wraps one thing of the outside world.
    "NodeConfig": ["ClusterModel", "Glibc"],
    "EventLoop": ["CSystem", "Dispatch", "Glibc", "Synchronization"],
    "Digests": ["COpenSSL", "CZlib", "CXXHash"],
    "MariaDBConnector": ["CMariaDB", "EventLoop", "ClusterModel", "MySQLProtocol", "Glibc"],
    "MariaDBServer": ["CSystem", "ClusterModel", "Dispatch", "Glibc", "Synchronization"],
    // Assembly.
    "NodeRuntime": [
        "ClusterModel", "LineProtocol", "StatementGate", "BinlogFormat", "MySQLProtocol", "Replication", "Failover", "Verification", "NodeConfig",
        "EventLoop",
        "Digests", "MariaDBConnector", "MariaDBServer", "CSystem", "Dispatch", "Glibc", "Logging", "Synchronization",
    ],
    "Console": ["ClusterModel", "LineProtocol", "CEdit", "CSystem", "Glibc", "Synchronization"],
    "ddbnode": ["NodeConfig", "NodeRuntime", "LineProtocol", "Console", "ClusterModel", "ArgumentParser", "Glibc"],
]

/// What is built beside the program and not shipped.
private let benchmarks: [String: Set<String>] = [
    "LoadGeneratorCore": ["Glibc"],
    "LoadGenerator": ["LoadGeneratorCore", "CMariaDB", "CSystem", "ArgumentParser", "Glibc", "Synchronization"],
]

/// The simulator of failovers: not shipped either.
private let simulator: [String: Set<String>] = [
    "Simulation": ["ClusterModel", "Failover"],
    "Simulate": ["Simulation", "Glibc"],
]

/// The fault campaign: not shipped either.
private let campaign: [String: Set<String>] = [
    "CampaignCore": ["Failover"],
    "CampaignHarness": ["ClusterModel", "LineProtocol", "CSystem", "Glibc", "Synchronization"],
    "Campaign": ["CampaignCore", "CampaignHarness", "ClusterModel", "ArgumentParser", "Dispatch", "Glibc", "Synchronization"],
]

/// MariaDB's own test files, run on a cluster: not shipped either.
private let suite: [String: Set<String>] = [
    "SuiteCore": [],
    "Suite": [
        "SuiteCore", "CampaignHarness", "ClusterModel", "LineProtocol", "MariaDBServer", "CMariaDB", "ArgumentParser", "Glibc", "Synchronization",
    ],
]

/// Wrappers of C: no Swift in them.
private let cTargets: Set<String> = ["CMariaDB", "CEdit", "COpenSSL", "CZlib", "CXXHash", "CSystem"]

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private struct SourceFile {
    let path: String
    let lines: [Substring]
}

private func sources(under folder: URL) throws -> [SourceFile] {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return try (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }.map { url in
        SourceFile(
            path: url.path.replacingOccurrences(of: root.path + "/", with: ""),
            lines: try String(contentsOf: url, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false))
    }
}

private func importedModule(_ line: Substring) -> String? {
    let words = line.split(separator: " ").drop { ["package", "public", "internal", "private", "fileprivate"].contains($0) || $0.hasPrefix("@") }
    guard words.first == "import", let name = words.dropFirst().first else { return nil }
    return String(name.split(separator: ".")[0])
}

@Suite struct LayerTests {
    private func folders(of folder: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path))
    }

    @Test func `every folder of Sources, Benchmarks, Simulator, Campaign and Suite is a module of the tables`() throws {
        #expect(try folders(of: "Sources") == Set(allowed.keys).union(cTargets))
        #expect(try folders(of: "Benchmarks") == Set(benchmarks.keys))
        #expect(try folders(of: "Simulator") == Set(simulator.keys))
        #expect(try folders(of: "Campaign") == Set(campaign.keys))
        #expect(try folders(of: "Suite") == Set(suite.keys))
    }

    @Test func `a module imports only what stands below it`() throws {
        let all =
            allowed.map { ("Sources/\($0)", $1) } + benchmarks.map { ("Benchmarks/\($0)", $1) } + simulator.map { ("Simulator/\($0)", $1) }
            + campaign.map { ("Campaign/\($0)", $1) } + suite.map { ("Suite/\($0)", $1) }
        for (module, below) in all {
            let files = try sources(under: root.appending(path: module))
            #expect(!files.isEmpty, "\(module) has no sources")
            for file in files {
                for (number, line) in file.lines.enumerated() {
                    guard let imported = importedModule(line) else { continue }
                    #expect(below.contains(imported), "\(file.path):\(number + 1) imports \(imported)")
                }
            }
        }
    }

    @Test func `files stay under 400 lines`() throws {
        for folder in ["Sources", "Benchmarks", "Simulator", "Campaign", "Suite"] {
            for file in try sources(under: root.appending(path: folder)) {
                #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
            }
        }
    }

    @Test func `sources hold no trap on input and no loose end`() throws {
        let banned = ["try!", " as! ", "fatalError(", "TODO", "FIXME", "XXX", "Thread.sleep", "usleep("]
        for folder in ["Sources", "Benchmarks", "Simulator", "Campaign", "Suite"] {
            for file in try sources(under: root.appending(path: folder)) {
                for (number, line) in file.lines.enumerated() {
                    for word in banned where line.contains(word) { Issue.record("\(file.path):\(number + 1) holds \(word)") }
                }
            }
        }
    }
}
