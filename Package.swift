// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"), .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]
/// The modules that read bytes from outside spell out every unsafe operation.
let hostile = settings + [.strictMemorySafety()]

func library(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func target(_ name: String, _ dependencies: [Target.Dependency], settings: [SwiftSetting] = settings) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies, exclude: exclude,
        swiftSettings: [.enableExperimentalFeature("Lifetimes")])
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "penstock",
    products: [.executable(name: "penstock", targets: ["penstock"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // floor 0: what is not Swift
        .target(name: "CLinux"),
        library("COpenSSL", "openssl", apt: "libssl-dev"),
        library("CPcap", "libpcap", apt: "libpcap-dev"),
        library("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
        library("CZstd", "libzstd", apt: "libzstd-dev"),
        library("CSnappy", "snappy", apt: "libsnappy-dev"),
        library("CPCRE2", "libpcre2-8", apt: "libpcre2-dev"),
        library("CLZ4", "liblz4", apt: "liblz4-dev"),
        library("CZlib", "zlib", apt: "zlib1g-dev"),
        // floor 1: bytes, documents, patterns, counters
        target("Wire", ["CLinux"], settings: hostile),
        target("Documents", [.product(name: "Yams", package: "Yams")]),
        target("Patterns", ["CPCRE2"]),
        target("Instruments", []),
        // floor 2: the vocabulary
        target("Events", ["Wire", "CLinux"]),
        // floor 3: grammars, protocols, rules, sockets, storage
        target("Codecs", ["Wire", "CLinux", "CZstd", "CSnappy", "CLZ4", "CZlib"], settings: hostile),
        target("Dissection", ["Wire"], settings: hostile),
        target("Sigma", ["Events", "Documents", "Patterns", "Wire"]),
        target("Transport", ["Wire", "Instruments", "CLinux", "COpenSSL", logging]),
        target("Journal", ["Events", "Wire", "Instruments", "CLinux", "CLZ4", "COpenSSL", logging], settings: hostile),
        target("Store", [.product(name: "GRDB", package: "GRDB.swift")]),
        target("Rehearsal", ["Wire"]),
        // floor 4: what comes in
        target("Receivers", ["Transport", "Codecs", "Events", "Wire", "Instruments", logging]),
        target("Sensor", ["Dissection", "Events", "Wire", "Instruments", "CPcap", logging]),
        // floor 5: what it means
        target("Inventory", ["Codecs", "Events", "Documents", "Wire"]),
        target("Normalizer", ["Codecs", "Events", "Documents", "Patterns", "Wire", "Instruments"]),
        target("Correlator", ["Sigma", "Events", "Wire", "Instruments"]),
        target("Incidents", ["Store", "Events", "Documents", "Wire"]),
        // floor 6: what goes out
        target(
            "Delivery",
            ["Transport", "Codecs", "Events", "Documents", "Wire", "Instruments", "CCurl", "COpenSSL", logging]),
        target(
            "Console",
            ["Instruments", logging, .product(name: "Hummingbird", package: "hummingbird")]),
        // floor 7: the commands
        .executableTarget(
            name: "penstock",
            dependencies: [
                "Wire", "Documents", "Patterns", "Instruments", "Events", "Codecs", "Dissection", "Sigma", "Transport",
                "Journal", "Store", "Rehearsal", "Receivers", "Sensor", "Inventory", "Normalizer", "Correlator",
                "Incidents",
                "Delivery",
                "Console", "CLinux", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        tests("Wire"), tests("Documents"), tests("Patterns"), tests("Events", ["Wire"]),
        tests("Codecs", ["Wire"], exclude: ["parquet_oracle.py"]),
        tests("Dissection", ["Wire"]), tests("Sigma", ["Events", "Wire", "Documents"]),
        tests("Transport", ["Wire", "Instruments"]),
        tests("Journal", ["Events", "Wire", "Instruments", logging]),
        tests("Receivers", ["Wire", "Instruments", "Events", "Transport", logging]),
        tests("Sensor", ["Wire", "Events", "Instruments"]), tests("Inventory", ["Wire", "Events", "Documents"]),
        tests("Normalizer", ["Wire", "Events", "Documents", "Codecs", "Instruments"]),
        tests("Correlator", ["Sigma", "Events", "Wire", "Documents", "Instruments"]),
        tests("Incidents", ["Store", "Events", "Wire", "Documents"]),
        tests("Rehearsal", ["Wire"]),
        tests(
            "Delivery", ["Events", "Wire", "Instruments", "Codecs", "Documents", "Transport", logging],
            exclude: ["delivery_oracle.py"]),
    ],
    swiftLanguageModes: [.v6]
)
