export function fixtures() { return { name: "fixtures" }; }
