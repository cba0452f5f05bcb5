// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors where the project checks itself (scripts/test.sh sets this), not for whoever builds it with a later compiler.
let strict = Context.environment["DDBNODE_STRICT"] == "1"

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ddbnode",
    products: [.executable(name: "ddbnode", targets: ["ddbnode"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        // C: the system's libraries, and what Swift can't spell of them.
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .target(name: "CSystem"),

        // Pure: the standard library only; time and randomness come in as values.
        target("ClusterModel"),
        target("LineProtocol", ["ClusterModel"]),
        target("StatementGate", ["ClusterModel"]),
        target("BinlogFormat", ["ClusterModel"]),
        target("MySQLProtocol", ["ClusterModel"]),
        target("Replication", ["ClusterModel", "BinlogFormat"]),
        target("Failover", ["ClusterModel"]),
        target("Verification", ["ClusterModel"]),

        // Edge: each wraps one thing of the outside world.
        target("NodeConfig", ["ClusterModel"]),
        target("EventLoop", ["CSystem"]),
        target("Digests", ["COpenSSL", "CZlib", "CXXHash"]),
        target("MariaDBConnector", ["CMariaDB", "EventLoop", "ClusterModel", "MySQLProtocol"]),
        target("MariaDBServer", ["CSystem", "ClusterModel"]),

        // Assembly: the drivers that feed the machines, and the program.
        target(
            "NodeRuntime",
            [
                "ClusterModel", "LineProtocol", "StatementGate", "BinlogFormat", "MySQLProtocol", "Replication", "Failover", "NodeConfig",
                "EventLoop", "Verification",
                "Digests", "MariaDBConnector", "MariaDBServer", "CSystem", log,
            ]),
        target("Console", ["ClusterModel", "LineProtocol", "CEdit", "CSystem"]),
        .executableTarget(
            name: "ddbnode", dependencies: ["NodeConfig", "NodeRuntime", "LineProtocol", "Console", "ClusterModel", log, argumentParser],
            swiftSettings: settings),

        // The benchmark's load generator; no product, so it is not shipped.
        .target(name: "LoadGeneratorCore", path: "Benchmarks/LoadGeneratorCore", swiftSettings: settings),
        .executableTarget(
            name: "loadgen", dependencies: ["LoadGeneratorCore", "CMariaDB", "CSystem", argumentParser], path: "Benchmarks/LoadGenerator",
            swiftSettings: settings),

        // The simulator of failovers; no product either.
        .target(name: "Simulation", dependencies: ["Failover", "ClusterModel"], path: "Simulator/Simulation", swiftSettings: settings),
        .executableTarget(name: "simulate", dependencies: ["Simulation"], path: "Simulator/Simulate", swiftSettings: settings),

        // The fault campaign: real processes under load and faults; no product either.
        .target(name: "CampaignCore", dependencies: ["Failover"], path: "Campaign/CampaignCore", swiftSettings: settings),
        .target(
            name: "CampaignHarness", dependencies: ["ClusterModel", "LineProtocol", "CSystem"], path: "Campaign/CampaignHarness",
            swiftSettings: settings),
        .executableTarget(
            name: "campaign", dependencies: ["CampaignCore", "CampaignHarness", "ClusterModel", argumentParser], path: "Campaign/Campaign",
            swiftSettings: settings),

        // MariaDB's own test files, run on a cluster and on a plain server; no product either.
        .target(name: "SuiteCore", path: "Suite/SuiteCore", swiftSettings: settings),
        .executableTarget(
            name: "suite",
            dependencies: ["SuiteCore", "CampaignHarness", "ClusterModel", "LineProtocol", "MariaDBServer", "CMariaDB", argumentParser],
            path: "Suite/Suite", swiftSettings: settings),

        // Tests, a target a tier or module, and what several of them use.
        .target(
            name: "TestSupport", dependencies: ["EventLoop", "MariaDBServer", "MariaDBConnector", "ClusterModel"], path: "Tests/Support",
            swiftSettings: settings),
        tests("ArchitectureTests", []),
        tests("ClusterModelTests", ["ClusterModel"]),
        tests("StatementGateTests", ["StatementGate", "ClusterModel"]),
        tests("BinlogFormatTests", ["BinlogFormat", "ClusterModel"], resources: [.copy("Golden")]),
        tests("MySQLProtocolTests", ["MySQLProtocol", "ClusterModel"], resources: [.copy("Golden")]),
        tests("VerificationTests", ["Verification", "ClusterModel"]),
        tests("ReplicationTests", ["Replication", "BinlogFormat", "ClusterModel"]),
        tests("FailoverTests", ["Failover", "Simulation", "ClusterModel"]),
        tests("LineProtocolTests", ["LineProtocol", "ClusterModel"]),
        tests("NodeConfigTests", ["NodeConfig", "ClusterModel"]),
        tests("MariaDBServerTests", ["MariaDBServer", "ClusterModel"]),
        tests("LoadGeneratorTests", ["LoadGeneratorCore"]),
        tests("CampaignTests", ["CampaignCore"]),
        tests("SuiteTests", ["SuiteCore"]),
        tests("DigestsTests", ["Digests"]),
        tests("EventLoopTests", ["EventLoop", "TestSupport"]),
        tests(
            "MariaDBConnectorTests",
            ["MariaDBConnector", "StatementGate", "MySQLProtocol", "EventLoop", "ClusterModel", "BinlogFormat", "TestSupport"]),
        tests(
            "NodeRuntimeTests",
            [
                "NodeRuntime", "MariaDBConnector", "EventLoop", "Replication", "BinlogFormat", "Failover", "ClusterModel", "Digests", "TestSupport",
                log,
            ]),
        tests("ConsoleTests", ["Console", "LineProtocol", "ClusterModel"]),
        // Whole clusters of the built program: it must be there when they run.
        tests("ClusterTests", ["ddbnode", "LineProtocol", "Replication", "ClusterModel", "CSystem"]),
    ]
)
