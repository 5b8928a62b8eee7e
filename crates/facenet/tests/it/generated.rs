//! The generated Burn code against the description of the network. The code is compared as text,
//! because Burn's modules do not give back what they were made of.

use std::collections::BTreeMap;

use facenet::Shard;
use facenet::layers::{
    BATCH_NORM_EPSILON, Block, Branch, Conv, Kind, Layer, MAX_POOL, Module, Residual, Step, Window,
};

/// The generated code of a shard as its statements `let name = value`, in order.
fn statements(shard: Shard) -> Vec<(String, String)> {
    let code = match shard {
        Shard::Shard1 => include_str!("../../src/burn/shard1.rs"),
        Shard::Shard2 => include_str!("../../src/burn/shard2.rs"),
    };
    let statements = code.split("let ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let statements = statements.filter_map(|statement| statement.split_once(" = "));
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    statements.map(|(name, value)| (name.to_owned(), compact(value))).collect()
}

/// The text between the first `before` and the next `after`.
#[track_caller]
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(before) else { panic!("no `{before}` in {text}") };
    rest.split_once(after).unwrap().0
}

#[track_caller]
fn numbers<const N: usize>(text: &str) -> [usize; N] {
    let numbers: Vec<usize> = text.split(',').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// The window of a convolution or a pooling.
fn window(config: &str, kernel: [usize; 2], stride: &str) -> Window {
    let [down, right] = numbers(between(config, &format!(".{stride}(["), "])"));
    assert_eq!(down, right);
    let padding = match config.split_once(".with_padding(PaddingConfig2d::Explicit(") {
        None => {
            assert!(config.contains(".with_padding(PaddingConfig2d::Valid)"), "{config}");
            [0, 0]
        }
        Some((_, rest)) => {
            let [top, left, bottom, right] = numbers(rest.split_once(')').unwrap().0);
            assert_eq!([top, left], [bottom, right]);
            [top, left]
        }
    };
    assert!(config.contains(".with_dilation([1,1])"), "{config}");
    Window { kernel, stride: down, padding }
}

/// The layers of the generated code: input channels and what they compute.
fn generated(statements: &[(String, String)]) -> BTreeMap<&str, (usize, Kind)> {
    let layers = statements.iter().filter_map(|(name, value)| {
        if value.starts_with("Conv2dConfig::new(") {
            let [input, out] = numbers(between(value, "new([", "],["));
            let kernel = numbers(between(value, "],[", "])"));
            assert!(value.contains(".with_groups(1)") && value.contains(".with_bias(true)"));
            let window = window(value, kernel, "with_stride");
            Some((&**name, (input, Kind::Conv2d(Conv { out, window }))))
        } else if value.starts_with("LinearConfig::new(") {
            let [input, out] = numbers(between(value, "new(", ")"));
            assert!(value.contains(".with_bias(false)"));
            Some((&**name, (input, Kind::Linear { out })))
        } else if value.starts_with("BatchNormConfig::new(") {
            let [channels] = numbers(between(value, "new(", ")"));
            let epsilon: f64 = between(value, ".with_epsilon(", "f64)").parse().unwrap();
            assert!((epsilon - BATCH_NORM_EPSILON).abs() < 1e-9, "{epsilon}");
            Some((&**name, (channels, Kind::BatchNorm)))
        } else {
            None
        }
    });
    layers.collect()
}

#[test]
fn generated_layers_are_those_of_the_description() {
    for shard in Shard::ALL {
        let statements = statements(shard);
        let mut generated = generated(&statements);
        for layer in shard.layers() {
            let found = generated.remove(&*layer.field());
            assert_eq!(found, Some((layer.input.channels, layer.kind)), "{}", layer.name);
        }
        assert!(generated.is_empty(), "not described: {generated:?}");
        // They run in the same order.
        let calls = statements.iter().filter_map(|(_, value)| value.strip_prefix("self."));
        let calls = calls.filter_map(|value| value.split_once(".forward("));
        let others = ["maxpool", "globalaveragepool", "submodule"];
        let is_layer = |name: &&str| !others.iter().any(|other| name.starts_with(other));
        let order: Vec<&str> = calls.map(|(name, _)| name).filter(is_layer).collect();
        assert_eq!(order, shard.layers().iter().map(Layer::field).collect::<Vec<_>>());
    }
}

/// Checks the end of a block: the concatenation and, in a residual block, what is done with it.
#[track_caller]
fn check_block(module: &Module, block: Block, statements: &[(String, String)], cat: &str) {
    let name = module.name.replace('.', "_");
    let parts = between(cat, "cat([", "]").split(',').count();
    assert_eq!(parts, block.branches.len(), "{name}");
    let Some(Residual { scale, relu }) = block.residual else { return };
    let value_of = |wanted: &str| {
        let found = statements.iter().find(|(_, value)| value.starts_with(wanted));
        found.unwrap_or_else(|| panic!("{name}: nothing is made of {wanted}"))
    };
    let conv = format!("{name}_conv2d_out1.");
    let mut sum = conv.clone();
    if scale < 1.0 {
        let (product, value) = value_of(&conv);
        assert_eq!(*value, format!("{conv}mul_scalar({scale:?}f32)"));
        sum = format!("{product}.");
    }
    let (output, value) = value_of(&sum);
    assert!(value.starts_with(&format!("{sum}add(")), "{value}");
    let with_relu = format!("burn::tensor::activation::relu({output})");
    assert_eq!(statements.iter().any(|(_, value)| *value == with_relu), relu, "{name}");
}

#[test]
fn generated_blocks_are_those_of_the_description() {
    for shard in Shard::ALL {
        let statements = statements(shard);
        let mut concatenations = statements.iter().filter(|(_, value)| value.contains("::cat(["));
        let (mut pools, mut scales) = (0, 0);
        for module in shard.modules() {
            match module.step {
                Step::MaxPool => pools += 1,
                Step::Block(block) => {
                    let (_, cat) = concatenations.next().unwrap();
                    check_block(&module, block, &statements, cat);
                    scales += usize::from(block.residual.is_some_and(|end| end.scale < 1.0));
                    pools += block.branches.iter().filter(|it| **it == Branch::MaxPool).count();
                }
                _ => {}
            }
        }
        assert_eq!(concatenations.next(), None);
        let configs = statements.iter().filter(|(_, it)| it.starts_with("MaxPool2dConfig::new("));
        let windows = configs.map(|(_, config)| {
            window(config, numbers(between(config, "new([", "])")), "with_strides")
        });
        assert_eq!(windows.collect::<Vec<_>>(), vec![MAX_POOL; pools]);
        let products = statements.iter().filter(|(_, value)| value.contains("mul_scalar(")).count();
        assert_eq!(products, scales);
    }
}
